/** What the command takes. What is wrong with it is said in the words of the Rust command. */
/** Why there is no trace; its text is for stderr. */
export declare class Refused extends Error {
}
export declare const usage: (reason: string) => Refused;
/** Where a script or a JSON text comes from: a file, a text, or stdin. */
export interface Input {
    file?: string;
    text?: string;
}
export declare const isStdin: (input: Input) => boolean;
type Pair = [key: string, value: string];
/** What was given. */
export interface Arguments {
    files: Input[];
    query?: string;
    get: Pair[];
    post?: Input;
    form?: string;
    config?: Input;
    meta?: Input;
    seed?: bigint;
    timeout?: number;
    memory?: number;
    output?: number;
    module: Pair[];
    seconds?: number;
    format?: string;
    'deny-warnings'?: boolean;
    key: Input[];
    host?: string;
    port?: number;
    public: string[];
    rate?: number;
    'metrics-port'?: number;
}
interface Option {
    name: keyof Arguments;
    /** None: there is nothing to give but its name. */
    value?: string;
    read: (text: string) => unknown;
    help: string;
    isList?: true;
}
export interface Command {
    name: string;
    about: string;
    exit: string;
    file: {
        value: string;
        help: string;
        isList?: true;
    };
    options: Option[];
}
export declare const COMMANDS: Command[];
/** A command and what it was given, or a text to print. */
export declare function parse(argv: string[]): [Command, Arguments] | string;
export {};
