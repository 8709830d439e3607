import { Module, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance } from 'fastify';
import type { HttpAdapter } from '../../platform/http/http-adapter.js';
import { registerApiDocument } from './api-document.js';
import { registerProblemPages } from './problem-pages.js';
import { registerReferencePage } from './reference-page.js';

/** The API, described: /openapi.json, /docs and /problems. */
@Module({})
export class ApiDocsModule implements OnModuleInit {
  constructor(private readonly host: HttpAdapterHost<HttpAdapter>) {}

  onModuleInit(): void {
    const { httpAdapter } = this.host;
    const server = httpAdapter.getInstance<FastifyInstance>();
    registerApiDocument(server, httpAdapter.routes);
    registerReferencePage(server);
    registerProblemPages(server);
  }
}
