import { Controller, Get, Param, Query } from '@nestjs/common';
import { z } from 'zod';
import type { DeadLetter } from '../generated/prisma/client.js';
import { Access } from '../platform/http/access.js';
import { Problem, problemType } from '../platform/http/problem.js';
import { SignedCursor } from '../platform/http/signed-cursor.js';
import { PrismaClient } from '../platform/postgres/prisma.js';
import { requireUuid } from '../orders/paths.js';

const PAGE_MAX = 100;
const CURSOR_OWNER = 'dead letters';

const DEAD_LETTER_NOT_FOUND = new Problem(
  problemType('dead-letter-not-found', 404, 'There is no such dead letter'),
  'No dead letter has this id.',
);

const listQuery = z.strictObject({
  saleId: z.uuid().optional(),
  state: z.enum(['open', 'replayed', 'discarded']).optional(),
  cursor: z.string().max(256).optional(),
});

/** Stream entries that could not be stored, newest first, for the operator who has to know why. */
@Access('admin')
@Controller('v1/admin/dead-letters')
export class DeadLettersController {
  constructor(
    private readonly prisma: PrismaClient,
    private readonly cursors: SignedCursor,
  ) {}

  @Get()
  async list(
    @Query({ schema: listQuery }) { saleId, state, cursor }: z.infer<typeof listQuery>,
  ): Promise<{ deadLetters: DeadLetter[]; nextCursor: string | null }> {
    const before = cursor === undefined ? undefined : this.cursors.open(CURSOR_OWNER, cursor);
    const found = await this.prisma.deadLetter.findMany({
      where: { saleId, state, deadLetterId: before === undefined ? undefined : { lt: before } },
      orderBy: { deadLetterId: 'desc' },
      take: PAGE_MAX + 1,
    });
    const page = found.slice(0, PAGE_MAX);
    const last = page.at(-1);
    const nextCursor = found.length > PAGE_MAX && last ? this.cursors.seal(CURSOR_OWNER, last.deadLetterId) : null;
    return { deadLetters: page, nextCursor };
  }

  @Get(':id')
  async read(@Param('id') id: string): Promise<DeadLetter> {
    const deadLetter = await this.prisma.deadLetter.findUnique({ where: { deadLetterId: requireUuid(id) } });
    if (!deadLetter) throw DEAD_LETTER_NOT_FOUND;
    return deadLetter;
  }
}
