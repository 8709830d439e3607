/** @import { Answer, DeadLetter, Problem } from './types.mjs' */
import { ask, field } from './dialog.mjs';
import { byId, fill, h, ListView, write } from './dom.mjs';
import { moment, some } from './format.mjs';
import { REASONS } from './meanings.mjs';
import { problemBox } from './problem.mjs';

/** The newest dead letters that are open, and what their operator decides about them. */
export class LetterDesk {
  #api;
  #session;
  #view;

  /**
   * @param {import('./api.mjs').Api} api
   * @param {import('./session.mjs').Session} session
   */
  constructor(api, session) {
    this.#api = api;
    this.#session = session;
    this.#view = new ListView(
      byId('letters'),
      (/** @type {DeadLetter} */ { deadLetterId }) => deadLetterId,
      () => new LetterCard(api, () => void this.look()),
    );
  }

  /** @returns {Promise<Problem | null>} */
  async look() {
    if (!this.#session.token) return null;
    /** @type {Answer<{ deadLetters: DeadLetter[], nextCursor: string | null }>} */
    const answer = await this.#api.get('/v1/admin/dead-letters?state=open');
    fill(byId('letters-problem'), !answer.ok && problemBox(answer.problem, 'This page goes on trying.'));
    if (!answer.ok) return answer.problem;
    const { deadLetters, nextCursor } = answer.body;
    this.#view.show(deadLetters);
    byId('no-letters').hidden = deadLetters.length > 0;
    byId('more-letters').hidden = nextCursor === null;
    return null;
  }
}

class LetterCard {
  #reason = h('h3');
  #facts = h('p', { class: 'fine' });
  #detail = h('p');
  #meaning = h('p', { class: 'soft' });
  #fields = h('pre');
  #said = h('div', { role: 'status' });
  #id = '';
  #api;
  #onChange;

  /**
   * @param {import('./api.mjs').Api} api
   * @param {() => void} onChange
   */
  constructor(api, onChange) {
    this.#api = api;
    this.#onChange = onChange;
    this.element = h(
      'article',
      { class: 'card letter' },
      this.#reason,
      this.#detail,
      this.#meaning,
      this.#facts,
      h('details', {}, h('summary', {}, 'What stands in it'), this.#fields),
      h(
        'div',
        { class: 'row' },
        h('button', { type: 'button', class: 'quiet small', click: () => void this.#replay() }, 'Replay'),
        h('button', { type: 'button', class: 'quiet small', click: () => void this.#discard() }, 'Discard …'),
      ),
      this.#said,
    );
  }

  /** @param {DeadLetter} letter */
  update(letter) {
    this.#id = letter.deadLetterId;
    write(this.#reason, letter.reason);
    write(this.#detail, letter.detail);
    const known = /** @type {keyof typeof REASONS} */ (letter.reason);
    write(this.#meaning, letter.reason in REASONS ? REASONS[known] : '');
    const seen = `${some(letter.attempts, 'attempt')}, first ${moment(letter.firstSeenAt)}, last ${moment(letter.lastSeenAt)}`;
    const of = `${letter.saleId ? `sale ${letter.saleId}` : 'no sale'} · ${letter.orderId ? `order ${letter.orderId}` : 'no order'}`;
    write(this.#facts, `lane ${letter.lane}, entry ${letter.entryId} · ${of} · ${seen}`);
    write(this.#fields, JSON.stringify(letter.fields, null, 2));
  }

  async #replay() {
    const text = 'Its entry is put on the stream again. What still cannot be stored comes back as a new letter.';
    if (!(await ask({ title: 'Replay this letter?', text, action: 'Replay' }))) return;
    this.#tell(await this.#api.post(`/v1/admin/dead-letters/${this.#id}/replay`));
  }

  async #discard() {
    const text = 'An order that was accepted becomes rejected, and its units are given back once.';
    const fields = field('Reason, which is kept on record', { name: 'reason', maxlength: 500, required: true });
    const wish = await ask({ title: 'Discard this letter?', text, action: 'Discard', isGrave: true, fields });
    if (!wish) return;
    const body = { reason: String(wish.get('reason')) };
    this.#tell(await this.#api.post(`/v1/admin/dead-letters/${this.#id}/discard`, { body }));
  }

  /** @param {Answer<unknown>} answer */
  #tell(answer) {
    fill(this.#said, !answer.ok && problemBox(answer.problem));
    this.#onChange();
  }
}
