/**
 * The packages that may have the addon, such as `@perilune/linux-x64-gnu`. Which C library a Linux has shows when one is loaded: npm may
 * have installed both.
 */
export declare function platformPackages(platform: string, arch: string): string[];
/** The addon of the first of them that a folder's modules can load. */
export declare function prebuilt(folder: string): string | undefined;
