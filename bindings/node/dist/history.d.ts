/** The last traces of each script, as they were answered. */
export declare class History {
    #private;
    add(script: string, id: number, json: string): void;
    /** One of them, with the link that it has; undefined if it isn't there. */
    get(script: string, id: number, self: string): string | undefined;
    /** All of a script, newest first. */
    list(script: string, self: (id: number) => string): string[];
}
