/** What `serve` takes. What is wrong with it is said in the words of the Rust command. */
/** Why it can't serve; its text is for stderr. */
export declare class Refused extends Error {
}
export declare const usage: (reason: string) => Refused;
/** Where keys come from: a file, or a text. */
export interface Input {
    file?: string;
    text?: string;
}
/** What was given. */
export interface Arguments {
    files: Input[];
    timeout?: number;
    memory?: number;
    output?: number;
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
/** A command and what it was given, or a text to print. */
export declare function parse(argv: string[]): [Command, Arguments] | string;
export {};
