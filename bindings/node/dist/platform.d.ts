/** The addon of the first of them that a folder's modules can load; `tried` gets why others can't be. */
export declare function prebuilt(folder: string, tried?: unknown[]): string | undefined;
