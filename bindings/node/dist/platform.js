"use strict";
Object.defineProperty(exports, "__esModule", { value: true });
exports.prebuilt = prebuilt;
exports.addonOf = addonOf;
exports.commandOf = commandOf;
const node_fs_1 = require("node:fs");
const node_path_1 = require("node:path");
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
/** The addon of this package, in whose folder: the one that was built when it was installed, or that of a platform package. */
function addonOf(folder, tried) {
    const built = (0, node_path_1.join)(folder, 'build', 'perilune.node');
    return (0, node_fs_1.existsSync)(built) ? built : prebuilt(folder, tried);
}
/** The command, which is beside the addon; undefined where it is not there. */
function commandOf(folder) {
    const addon = addonOf(folder);
    const command = addon && (0, node_path_1.join)((0, node_path_1.dirname)(addon), 'perilune');
    return command && (0, node_fs_1.existsSync)(command) ? command : undefined;
}
