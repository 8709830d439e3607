import { Body, Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { z } from 'zod';
import type { Caller } from '../platform/http/access-token.js';
import { Access, CurrentCaller, Operation } from '../platform/http/access.js';
import { Problem, problemType } from '../platform/http/problem.js';
import { OUTCOME_UNKNOWN, STORE_UNAVAILABLE } from '../platform/http/problems.js';
import { SignedCursor } from '../platform/http/signed-cursor.js';
import { PrismaClient } from '../platform/postgres/prisma.js';
import { isStoreAway } from '../platform/store-errors.js';
import { requireUuid } from '../orders/paths.js';
import { DeadLetterDesk } from './dead-letter-desk.js';
import { deadLetterShape, type DeadLetterView, letterState, viewDeadLetter } from './dead-letter-view.js';

const PAGE_MAX = 100;
const CURSOR_OWNER = 'dead letters';

const REASON_CHARS_MAX = 500;

const DEAD_LETTER_NOT_FOUND = problemType('dead-letter-not-found', 404, {
  title: 'There is no such dead letter',
  when: 'No dead letter has this id, or nothing is left of its entry that could be replayed.',
  next: 'Take the id from the list; discard a letter that cannot be replayed.',
});
const ALREADY_RESOLVED = problemType('already-resolved', 409, {
  title: 'The dead letter was replayed or discarded before',
  when: 'A letter is resolved once, and somebody was first.',
  next: 'Read the letter to see who resolved it, and how.',
});

const PROBLEMS = {
  unknown: new Problem(DEAD_LETTER_NOT_FOUND, 'No dead letter has this id.'),
  'nothing-left': new Problem(
    DEAD_LETTER_NOT_FOUND,
    'Nothing is left of its entry that could be put on the stream again. The letter stays open: discard it.',
  ),
  'already-resolved': new Problem(ALREADY_RESOLVED, 'A letter is resolved once. Read it to see how.'),
  'not-now': new Problem(
    STORE_UNAVAILABLE,
    'The lane of this letter is closed, and only an open lane can say whether its order was accepted. Nothing was changed.',
    { retryAfterSeconds: 1 },
  ),
};
const MAYBE_RESOLVED = new Problem(
  OUTCOME_UNKNOWN,
  'The letter may have been resolved. Read it, or send this again; it is resolved once.',
  { retryAfterSeconds: 1 },
);

const listQuery = z.strictObject({
  saleId: z.uuid().optional(),
  state: letterState.optional(),
  cursor: z.string().max(256).optional(),
});

const discardShape = z
  .strictObject({ reason: z.string().min(1).max(REASON_CHARS_MAX) })
  .meta({ examples: [{ reason: 'forged' }] });

const lettersPage = z.object({ deadLetters: z.array(deadLetterShape), nextCursor: z.string().nullable() });

const TAG = 'Admin: dead letters';

/** Stream entries that could not be stored, newest first, for the operator who has to know why, and resolves them. */
@Access('admin')
@Controller('v1/admin/dead-letters')
export class DeadLettersController {
  constructor(
    private readonly prisma: PrismaClient,
    private readonly cursors: SignedCursor,
    private readonly desk: DeadLetterDesk,
  ) {}

  @Get()
  @Operation({
    id: 'listDeadLetters',
    tag: TAG,
    summary: 'What could not be stored, newest first',
    query: listQuery,
    answers: { 200: { description: 'A page of at most 100', body: lettersPage } },
  })
  async list(
    @Query({ schema: listQuery }) { saleId, state, cursor }: z.infer<typeof listQuery>,
  ): Promise<z.infer<typeof lettersPage>> {
    const before = cursor === undefined ? undefined : this.cursors.open(CURSOR_OWNER, cursor);
    const found = await this.prisma.deadLetter.findMany({
      where: { saleId, state, deadLetterId: before === undefined ? undefined : { lt: before } },
      orderBy: { deadLetterId: 'desc' },
      take: PAGE_MAX + 1,
    });
    const page = found.slice(0, PAGE_MAX);
    const last = page.at(-1);
    const nextCursor = found.length > PAGE_MAX && last ? this.cursors.seal(CURSOR_OWNER, last.deadLetterId) : null;
    return { deadLetters: page.map(viewDeadLetter), nextCursor };
  }

  @Get(':id')
  @Operation({
    id: 'getDeadLetter',
    tag: TAG,
    summary: 'One dead letter',
    answers: { 200: { description: 'The letter', body: deadLetterShape } },
    problems: [DEAD_LETTER_NOT_FOUND],
  })
  async read(@Param('id') id: string): Promise<DeadLetterView> {
    const deadLetter = await this.prisma.deadLetter.findUnique({ where: { deadLetterId: requireUuid(id) } });
    if (!deadLetter) throw PROBLEMS.unknown;
    return viewDeadLetter(deadLetter);
  }

  /** Puts the entry on the stream again. What still cannot be stored comes back as a new letter. */
  @Post(':id/replay')
  @HttpCode(202)
  @Operation({
    id: 'replayDeadLetter',
    tag: TAG,
    summary: 'Put its entry on the stream again',
    answers: { 202: { description: 'The letter, replayed', body: deadLetterShape } },
    problems: [DEAD_LETTER_NOT_FOUND, ALREADY_RESOLVED, OUTCOME_UNKNOWN],
  })
  async replay(@Param('id') id: string, @CurrentCaller() { subject }: Caller): Promise<DeadLetterView> {
    const outcome = await this.desk.replay(requireUuid(id), subject).catch(sayUnknown);
    if (outcome !== 'replayed') throw PROBLEMS[outcome];
    return this.read(id);
  }

  /** Ends it. An order that Redis had accepted becomes `rejected`, and its units are given back once. */
  @Post(':id/discard')
  @HttpCode(202)
  @Operation({
    id: 'discardDeadLetter',
    tag: TAG,
    summary: 'End it; an accepted order becomes rejected, and its units come back',
    body: discardShape,
    answers: { 202: { description: 'The letter, discarded', body: deadLetterShape } },
    problems: [DEAD_LETTER_NOT_FOUND, ALREADY_RESOLVED, OUTCOME_UNKNOWN],
  })
  async discard(
    @Param('id') id: string,
    @Body({ schema: discardShape }) { reason }: z.infer<typeof discardShape>,
    @CurrentCaller() { subject }: Caller,
  ): Promise<DeadLetterView> {
    const outcome = await this.desk.discard(requireUuid(id), { reason, operator: subject }).catch(sayUnknown);
    if (outcome !== 'discarded') throw PROBLEMS[outcome];
    return this.read(id);
  }
}

/** A reply that was lost, or a commit of which nobody knows. */
function sayUnknown(error: unknown): never {
  throw isStoreAway(error) ? MAYBE_RESOLVED : error;
}
