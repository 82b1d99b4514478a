import type { Problem } from './wire';

/** A refusal of the server. `code` is stable and empty when an answer came from elsewhere. */
export class WorkspaceError extends Error {
  readonly status: number;
  readonly code: string;
  readonly hint: string;

  constructor(status: number, problem: Problem) {
    super(problem.message);
    this.name = 'WorkspaceError';
    this.status = status;
    this.code = problem.code ?? '';
    this.hint = problem.hint ?? '';
  }
}

/** The server gave no answer at all: no network, or the server is gone. */
export class Unreachable extends Error {
  constructor(cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause));
    this.name = 'Unreachable';
  }
}
