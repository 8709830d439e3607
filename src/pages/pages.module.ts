import { Module, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { HttpAdapter } from '../platform/http/http-adapter.js';
import { readPageFiles } from './page-files.js';
import { registerPages } from './page-routes.js';

/** People look: a shop for buyers at `/`, and operations at `/ops`. Both do what they do through the API, as any other client. */
@Module({})
export class PagesModule implements OnModuleInit {
  constructor(private readonly host: HttpAdapterHost<HttpAdapter>) {}

  onModuleInit(): void {
    registerPages(this.host.httpAdapter.getInstance(), readPageFiles());
  }
}
