// Names of branches. The watch tells of them, also of those given elsewhere.
export class Branches {
  #store;
  #client;
  #troubles;

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

  async #try(/** @type {string} */ what, /** @type {(id: string) => Promise<void>} */ act) {
    const { tree } = this.#store.state;
    if (!tree) return;
    try {
      await act(tree.id);
    } catch (error) {
      this.#troubles.tell(what, error);
    }
  }
}
