// Names of branches. The watch tells of them, also of those given elsewhere.
export class Branches {
  #store;
  #client;
  #troubles;

  /**
   * @param {{ store: import("app/core/state.js").PageStore, client: import("app/net/client.js").Client,
   *           troubles: import("app/actions/troubles.js").Troubles }} parts
   */
  constructor({ store, client, troubles }) {
    this.#store = store;
    this.#client = client;
    this.#troubles = troubles;
  }

  name(/** @type {number} */ revision, /** @type {string} */ name) {
    return this.#try("Naming the branch", (id) => this.#client.nameBranch(id, revision, name));
  }

  unname(/** @type {string} */ name) {
    return this.#try("Taking the name away", (id) => this.#client.deleteBranchName(id, name));
  }

  /** @returns {Promise<boolean>} whether it was done */
  async #try(/** @type {string} */ what, /** @type {(id: string) => Promise<void>} */ act) {
    const { tree } = this.#store.state;
    if (!tree) return false;
    try {
      await act(tree.id);
      this.#troubles.worked(what);
      return true;
    } catch (error) {
      this.#troubles.tell(what, error);
      return false;
    }
  }
}
