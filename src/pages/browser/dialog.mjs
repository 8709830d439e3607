/** @import { Child } from './dom.mjs' */
import { h } from './dom.mjs';

/**
 * Asks before something is done that cannot be taken back, or that needs a word more. Escape and "Leave it" do nothing.
 *
 * @param {{ title: string, text: string, action: string, isGrave?: boolean, fields?: Child }} question
 * @returns {Promise<FormData | null>} what was entered, null when it is not to be done
 */
export function ask({ title, text, action, isGrave = false, fields = null }) {
  const form = h(
    'form',
    { method: 'dialog' },
    h('h2', { id: 'question' }, title),
    h('p', {}, text),
    fields,
    h(
      'div',
      { class: 'row end' },
      h('button', { type: 'button', class: 'quiet', click: () => dialog.close() }, 'Leave it'),
      h('button', { class: isGrave ? 'grave' : 'primary' }, action),
    ),
  );
  const dialog = h('dialog', { 'aria-labelledby': 'question' }, form);
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    /** @type {FormData | null} */
    let entered = null;
    // Closed by hand: a form that the browser sends, even to nowhere, is against the page's own policy.
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      entered = new FormData(form);
      dialog.close();
    });
    dialog.addEventListener('close', () => {
      dialog.remove(); // focus goes back to where it was
      resolve(entered);
    });
  });
}

/**
 * A labelled field of such a question.
 *
 * @param {string} label
 * @param {Record<string, string | number | boolean>} attributes
 */
export const field = (label, attributes) =>
  h('label', { class: 'field' }, h('span', {}, label), h('input', { autocomplete: 'off', ...attributes }));
