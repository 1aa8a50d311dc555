/** The addon of the first of them that a folder's modules can load; `tried` gets why others can't be. */
export declare function prebuilt(folder: string, tried?: unknown[]): string | undefined;
/** The addon of this package, in whose folder: the one that was built when it was installed, or that of a platform package. */
export declare function addonOf(folder: string, tried?: unknown[]): string | undefined;
/** The command, which is beside the addon; undefined where it is not there. */
export declare function commandOf(folder: string): string | undefined;
