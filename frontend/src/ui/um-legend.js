import { html, LitElement } from "lit";
import { cssVars } from "app/ui/css-vars.js";
import * as icons from "app/ui/icons.js";

/** What the looks of cells mean; always in view. */
class Legend extends LitElement {
  createRenderRoot() {
    return this;
  }

  render() {
    return html`<ul class="legend" aria-label="Legend">
      <li><span class="cell sample" data-state="given">a</span>prompt</li>
      <li><span class="cell sample" data-state="open"><i class="blank"></i></span>open</li>
      <li>
        ${[0.1, 0.5, 0.95].map((p) => html`<span class="cell sample" data-state="open" data-ghost ${cssVars({ "--p": p })}>a</span>`)}
        draft, less to more probable
      </li>
      <li><span class="cell sample" data-state="committed">a</span>committed</li>
      <li><span class="cell sample" data-state="committed" data-new="committed">a</span>new</li>
      <li><span class="cell sample" data-state="open" data-new="reopened"><i class="blank"></i></span>opened again</li>
      <li><span class="cell sample" data-state="committed" data-new="edited">a</span>edited</li>
      <li><span class="cell sample" data-state="open" data-new="inserted"><i class="blank"></i></span>put in</li>
      <li><span class="cell sample" data-state="committed" data-preview>a</span>would be masked</li>
      <li class="word"><span class="cell sample" data-state="given">a</span>given word</li>
      <li><span class="cell sample" data-state="open" data-picked>a</span>picked</li>
      <li><span class="cell sample" data-state="committed" data-hand>a</span>by hand</li>
      <li><span class="cell sample" data-state="committed" data-locked>${icons.locked}a</span>locked</li>
      <li><span class="cell sample" data-state="committed" data-special>a</span>special</li>
    </ul>`;
  }
}

customElements.define("um-legend", Legend);
