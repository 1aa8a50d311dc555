/** Perilune runs untrusted Luau scripts inside your backend, at microsecond cost: a script and a request in, a trace out. */
export { Engine, Scripts, Watch } from './engine';
export type { Diagnostic, EngineOptions, HostFunction, Report } from './engine';
export { CompileError, PayloadError, PeriluneError, RunError, ScriptNotFound } from './errors';
export type { ErrorKind } from './errors';
export type { Text } from './native';
export { Script } from './script';
export type { BatchOptions, RunOptions, RunRequest } from './script';
export { Trace } from './trace';
export type { Response, ScriptError, Status, TraceJson, Usage } from './trace';
export type { Json, Size } from './values';
/** The version of the library. */
export declare const version: string;
