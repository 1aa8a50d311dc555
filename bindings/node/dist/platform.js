"use strict";
Object.defineProperty(exports, "__esModule", { value: true });
exports.prebuilt = prebuilt;
/**
 * The packages that may have the addon, such as `@perilune/linux-x64-gnu`. Which C library a Linux has shows when one is loaded: npm may
 * have installed both.
 */
function platformPackages(platform, arch) {
    const name = `@perilune/${platform}-${arch}`;
    return platform === 'linux' ? [`${name}-gnu`, `${name}-musl`] : [name];
}
/** The addon of the first of them that a folder's modules can load; `tried` gets why others can't be. */
function prebuilt(folder, tried = []) {
    for (const name of platformPackages(process.platform, process.arch)) {
        try {
            const addon = require.resolve(name, { paths: [folder] });
            require(addon);
            return addon;
        }
        catch (error) {
            // It is not there, or for another C library.
            tried.push(error);
        }
    }
    return undefined;
}
