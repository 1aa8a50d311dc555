import { type NativeError } from './native'

/** Anything that this package throws itself. */
export class PeriluneError extends Error {
  /** So that what a batch gives back can be asked alike: a trace's `ok` is true after a success. */
  readonly ok: boolean = false
  override name = 'PeriluneError'
}

/** A source that does not compile. The message is `NAME:LINE: reason`. */
export class CompileError extends PeriluneError {
  override name = 'CompileError'
  constructor(
    message: string,
    /** The name it was compiled with. */
    readonly script: string,
    /** The line, from 1. */
    readonly line: number,
    /** What is wrong there. */
    readonly reason: string,
  ) {
    super(message)
  }
}

/** A request that can't be given to a script: no JSON, no object, or too large. The message is that of Syncano's API. */
export class PayloadError extends PeriluneError {
  override name = 'PayloadError'
  constructor(
    message: string,
    /** Which part is not JSON: `body`, `config` or `meta`; empty for others. */
    readonly part: string,
    /** The line, from 1; 0 where there is no place. */
    readonly line: number,
    /** The character in the line, from 1. */
    readonly column: number,
    /** The character in the whole text, from 0. */
    readonly char: number,
  ) {
    super(message)
  }
}

/** No script serves under the name. */
export class ScriptNotFound extends PeriluneError {
  override name = 'ScriptNotFound'
  constructor(
    /** Which. */
    readonly script: string,
  ) {
    super(`Not found: ${JSON.stringify(script)}`)
  }
}

/** The error of one of the library's, or what else was thrown. */
export function errorOf(thrown: unknown): unknown {
  if (!(thrown instanceof Error) || !('codeName' in thrown)) return thrown
  const { message, codeName, reason, subject, line, column, char } = thrown as NativeError
  if (codeName === 'compile_error') return new CompileError(message, subject, line, reason)
  if (codeName === 'payload_error') return new PayloadError(message, subject, line, column, char)
  return new PeriluneError(message)
}

/** Calls the library. */
export function call<T>(body: () => T): T {
  try {
    return body()
  } catch (thrown) {
    throw errorOf(thrown)
  }
}
