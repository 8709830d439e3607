import { Controller, Get, Param } from '@nestjs/common';
import { Access, Operation } from '../platform/http/access.js';
import { requireUuid, SALE_NOT_FOUND } from '../orders/paths.js';
import { type Audit, auditShape, SaleAudit } from './sale-audit.js';

@Access('admin')
@Controller('v1/admin/sales')
export class AuditController {
  constructor(private readonly audits: SaleAudit) {}

  /** The books of a sale, compared now. */
  @Get(':saleId/audit')
  @Operation({
    id: 'auditSale',
    tag: 'Admin: sales',
    summary: 'Whether Redis, PostgreSQL and the gateway agree about the sale',
    answers: { 200: { description: 'The books, compared now', body: auditShape } },
    problems: [SALE_NOT_FOUND.type],
  })
  async audit(@Param('saleId') saleId: string): Promise<Audit> {
    const audit = await this.audits.audit(requireUuid(saleId));
    if (!audit) throw SALE_NOT_FOUND;
    return audit;
  }
}
