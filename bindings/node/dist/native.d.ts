/** The addon: built when the package was installed, or that of a platform package. */
/** An object of the library's: nothing but the addon can do anything with it. */
export type Handle = {
    readonly handle: unique symbol;
};
/** A text: a string, or the bytes of one. */
export type Text = string | Uint8Array;
/** What an error of the library's says; the message is the Error's. */
export interface NativeError extends Error {
    /** Its code's, such as `not_found`. */
    codeName: string;
    reason: string;
    subject: string;
    line: number;
    column: number;
    char: number;
}
export type NativeReport = [loaded: string[], removed: string[], failed: [path: string, error: NativeError][]];
/** What a run is seldom given; params are keys and values in turn. */
export type NativeOptions = [
    config: Text | undefined,
    params: string[] | undefined,
    seed: bigint | number | undefined,
    timeoutNs: number | undefined,
    memory: number | undefined,
    output: number | undefined,
    cancel: Handle | undefined,
    tenant: Text | undefined
];
/** What a run is given. */
export type NativeRequest = [query?: Text, body?: Text, form?: Text, meta?: Text, options?: NativeOptions];
/** What is sent; `run` is 0 where none was made. `lines` are the headers' names and values, a newline behind each, and a character for each byte. */
export type Answer = [status: number, close: boolean, run: number, body: string | Buffer, lines: string];
/**
 * What is next for a request. An exchange's number: its run waits for `exchangesSubmit`, and the answer is told. -1 less the number: the
 * body is to be pushed and read. A link that is to be stored. Or the answer.
 */
export type Next = number | [number: number, script: string, link: string] | Answer;
export interface Native {
    version: string;
    /** The names of statuses and of kinds of errors, each at its number. */
    statuses: string[];
    errorKinds: string[];
    /** Of limits, each at its number, which begin with 1: a unit is `ns`, `bytes` or nothing. */
    limits: string[];
    limitUnits: string[];
    /** How deep values may nest, and up to which integer they are numbers. */
    maxDepth: number;
    maxExact: number;
    cancelNew(): Handle;
    cancelNow(cancel: Handle): void;
    engineCheck(engine: Handle, name: string, source: Text): [isError: boolean, line: number, column: number, message: string][];
    engineCompile(engine: Handle, name: string, source: Text): Handle;
    engineCompileAsync(engine: Handle, name: string, source: Text): Promise<Handle>;
    engineFunction(engine: Handle, name: string, number: number): void;
    engineGet(engine: Handle, name: string): Handle | undefined;
    engineLimit(engine: Handle, limit: number): number;
    engineLoadDir(engine: Handle, path: string): NativeReport;
    engineMetrics(engine: Handle, prometheus: boolean): string;
    engineModule(engine: Handle, name: string, source: Text): void;
    engineNames(engine: Handle): string[];
    engineNew(poolSize: number, backlog: number, limits: number[], program: string | undefined, workers: number[], threads: number): Handle;
    enginePut(engine: Handle, name: string, source: Text): Handle;
    /** Why parts are missing, in the order of their numbers; undefined without workers. */
    engineSandbox(engine: Handle): (string | null)[] | undefined;
    engineRemove(engine: Handle, name: string): boolean;
    engineWatch(engine: Handle, path: string, callback: (report: NativeReport) => void): Handle;
    endpointsAsk(endpoints: Handle, head: string): Next;
    endpointsLinks(endpoints: Handle): [script: string, link: string][];
    endpointsMetrics(engine: Handle, path: string): Answer;
    endpointsNew(engine: Handle, keys: (string | undefined)[], scripts: (string | undefined)[], rate: number | undefined): Handle;
    endpointsPublish(endpoints: Handle, script: string, link: string | undefined, isPublic: boolean): void;
    exchangeCancel(number: number): void;
    /** Whether more bytes are wanted. */
    exchangePush(number: number, bytes: Uint8Array): boolean;
    /** Undefined where another thread reads the body, and the answer is told. */
    exchangeRead(number: number, isWhole: boolean): Next | undefined;
    exchangeStored(number: number, reason: string | undefined): Next;
    /** Has the runs made that wait for it. */
    exchangesSubmit(): void;
    liveObjects(): number;
    parseBytes(text: string): number;
    run(script: Handle, ...request: NativeRequest): Promise<string>;
    runSync(script: Handle, ...request: NativeRequest): string;
    scriptInfo(script: Handle): [name: string, version: number, hash: string, source: string];
    /** What is told of each answer that is not returned: none is there where a bug of the library's ended the exchange. */
    setAnswered(told: (number: number, ...answer: Answer | []) => void): void;
    setDispatch(dispatch: (engine: number, name: string, run: number, args: unknown[], isSync: boolean, call: number) => void): void;
    /** Answers a call of a host function. One that is answered already, or that nobody waits for any more, stays as it is. */
    settle(call: number, isError: boolean, value: unknown): void;
    /** The JSON of a trace, which is the string that it crossed as. */
    traceJson(trace: string): string;
    watchClose(watch: Handle): void;
}
export declare const native: Native;
