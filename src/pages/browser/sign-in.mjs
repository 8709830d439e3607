import { byId, fill, write } from './dom.mjs';
import { problemBox } from './problem.mjs';

/**
 * The parts of a page that show who is signed in, and take a token while nobody is.
 *
 * @param {import('./session.mjs').Session} session
 */
export function showSession(session) {
  const form = /** @type {HTMLFormElement} */ (byId('sign-in'));
  const field = /** @type {HTMLInputElement} */ (byId('token'));
  const refusal = byId('refusal');

  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const token = field.value.trim();
    field.value = '';
    if (token) session.adopt(token);
  });
  byId('sign-out').addEventListener('click', () => {
    session.leave();
    field.focus();
  });

  const show = () => {
    form.hidden = session.token !== null;
    byId('signed-in').hidden = session.token === null;
    if (session.token !== null) write(byId('subject'), session.subject);
    fill(refusal, session.refusal && problemBox(session.refusal));
  };
  session.addEventListener('change', show);
  show();
}
