/** @typedef {Node | string | false | null | undefined} Part */
/** @typedef {Part | (Part | Part[])[]} Child */

/**
 * An element. Text is only ever text: nothing on these pages parses HTML.
 *
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, string | number | boolean | ((event: Event) => void)>} props attributes; functions are listeners of
 *   the event they are named after
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (typeof value === 'function') element.addEventListener(name, value);
    else if (value !== false) element.setAttribute(name, value === true ? '' : String(value));
  }
  element.append(...nodes(children));
  return element;
}

/**
 * @param {Child[]} children
 * @returns {(Node | string)[]}
 */
const nodes = (children) =>
  children
    .flat(5)
    .filter((child) => child !== false && child !== null && child !== undefined)
    .map((child) => /** @type {Node | string} */ (child));

/**
 * @param {Element} element
 * @param {...Child} children
 */
export function fill(element, ...children) {
  element.replaceChildren(...nodes(children));
}

/**
 * Changes a text only if it is another one: what did not change is not read out again, and stays selected.
 *
 * @param {Element} element
 * @param {string} text
 */
export function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * The element that the page has under this id.
 *
 * @param {string} id
 */
export function byId(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`Bug: the page has no #${id}`);
  return element;
}

/**
 * Keeps a list of elements in the order of its items; those that stay are the same elements, with their focus and state.
 *
 * @template Item
 * @template {{ element: HTMLElement, update: (item: Item) => void }} View
 */
export class ListView {
  /** @type {Map<string, View>} */
  views = new Map();
  #parent;
  #idOf;
  #create;

  /**
   * @param {HTMLElement} parent
   * @param {(item: Item) => string} idOf
   * @param {(item: Item) => View} create
   */
  constructor(parent, idOf, create) {
    this.#parent = parent;
    this.#idOf = idOf;
    this.#create = create;
  }

  /** @param {Item[]} items */
  show(items) {
    const ids = new Set(items.map(this.#idOf));
    for (const [id, view] of this.views) {
      if (ids.has(id)) continue;
      view.element.remove();
      this.views.delete(id);
    }
    items.forEach((item, index) => {
      const id = this.#idOf(item);
      const view = this.views.get(id) ?? this.#create(item);
      this.views.set(id, view);
      view.update(item);
      const there = this.#parent.children[index];
      if (there !== view.element) this.#parent.insertBefore(view.element, there ?? null);
    });
  }
}
