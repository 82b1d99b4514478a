import type { Answer } from './transport';
import type { Problem } from './wire';

/** A refusal of the server. `code` is stable and empty when an answer came from elsewhere. */
export class WorkspaceError extends Error {
  readonly status: number;
  readonly code: string;
  readonly hint: string;
  /** The whole body: limits and sizes, whatever the refusal is about. */
  readonly facts: Problem;

  constructor(status: number, problem: Problem) {
    super(problem.message);
    this.name = 'WorkspaceError';
    this.status = status;
    this.code = problem.code ?? '';
    this.hint = problem.hint ?? '';
    this.facts = problem;
  }
}

/** The server gave no answer at all: no network, or the server is gone. */
export class Unreachable extends Error {
  constructor(cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause));
    this.name = 'Unreachable';
  }
}

/** Whether an error only says that its request was called off. */
export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'AbortError';
}

/** Whether the browser can no longer read a file of the person's disk: it has changed, or is gone. */
export function isUnreadable(error: unknown): boolean {
  return error instanceof DOMException && ['NotReadableError', 'NotFoundError'].includes(error.name);
}

/** Whether asking again later may help: nobody answered, or the server says it is busy. */
export function isPassing(error: unknown): boolean {
  if (error instanceof Unreachable) {
    return true;
  }
  // 507 is a full disk: it is no use to insist.
  const passing = [408, 423, 425, 429, 500, 502, 503, 504];
  return error instanceof WorkspaceError && passing.includes(error.status);
}

/** What a refusal says. A proxy's answer may be no JSON at all; then its status has to do. */
export function errorOf(answer: Answer): WorkspaceError {
  return new WorkspaceError(answer.status, problemOf(answer));
}

function problemOf(answer: Answer): Problem {
  const fallback = { message: `The server answered ${answer.status}.`, isForeign: true };
  try {
    const body: unknown = JSON.parse(answer.text);
    return isProblem(body) ? body : fallback;
  } catch (error) {
    if (error instanceof SyntaxError) {
      return fallback;
    }
    throw error;
  }
}

function isProblem(body: unknown): body is Problem {
  return (
    typeof body === 'object' &&
    body !== null &&
    typeof (body as { message?: unknown }).message === 'string'
  );
}
