/** What a request's query, body and headers are to a script: secrets are cut out of the text, and the rest stays as it came. */
/** A query or form, and its parameters that carry keys. */
export declare class Form {
    readonly secrets: Map<string, string>;
    /** What is left for the script. */
    readonly text: string;
    constructor(raw: string);
}
/** A text, as the engine takes it: most are ASCII, which is itself. */
export declare const given: (text: string) => string | Buffer;
/**
 * A JSON object without its members that carry keys, all others as they came; and `_api_key`, if that is a string. What is no object, or
 * can't be followed, is handed on as it came: the engine says what is wrong with it.
 */
export declare function withoutSecrets(body: Buffer): [left: Buffer, key: Buffer | undefined];
/** Why a multipart body can't be read. */
export declare class MultipartError extends Error {
}
/** A multipart body of at most so many parts as a form: fields, and those of files with the files' content, to the byte. */
export declare function multipart(type: string, body: Buffer, most: number): Promise<string>;
/** A text as JSON: most have nothing to escape. */
export declare const quoted: (text: string) => string;
/** The headers that say who asks, and all others as members of META. */
export declare class Headers {
    apiKey: string;
    authorization: string;
    /** JSON, with a comma behind each member. */
    readonly meta: string;
    /** Node keeps only the first or last of some headers: these are all, a name and a value in turn. */
    constructor(raw: readonly string[]);
}
