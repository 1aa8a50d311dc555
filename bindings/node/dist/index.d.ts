/** Perilune runs untrusted Luau scripts inside your backend, at microsecond cost: a script and a request in, a trace out. */
export { Engine, Script, Scripts, Watch } from './engine';
export type { Diagnostic, EngineOptions, Report, Sandbox, WorkerOptions } from './engine';
export { CompileError, PayloadError, PeriluneError, ScriptNotFound } from './errors';
export type { HostFunction } from './functions';
export type { Text } from './native';
export type { BatchOptions, RunOptions, RunRequest } from './script';
export { RunError, Trace } from './trace';
export type { ErrorKind, Response, ScriptError, Status, TraceJson, Usage } from './trace';
export type { Json, Size } from './values';
/** The version of the library. */
export declare const version: string;
