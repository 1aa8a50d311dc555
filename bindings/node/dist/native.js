"use strict";
/** The addon: built when the package was installed, or that of a platform package. */
Object.defineProperty(exports, "__esModule", { value: true });
exports.native = void 0;
exports.platformPackage = platformPackage;
const node_fs_1 = require("node:fs");
const node_path_1 = require("node:path");
/** The platform package's name: `@perilune/linux-x64-gnu`. */
function platformPackage() {
    const report = process.report?.getReport();
    const libc = process.platform !== 'linux' ? '' : report?.header?.glibcVersionRuntime ? '-gnu' : '-musl';
    return `@perilune/${process.platform}-${process.arch}${libc}`;
}
function load() {
    const built = (0, node_path_1.join)(__dirname, '..', 'build', 'perilune.node');
    if ((0, node_fs_1.existsSync)(built))
        return require(built);
    const name = platformPackage();
    try {
        return require(name);
    }
    catch (cause) {
        throw new Error(`perilune has no addon here: neither ${built} was built, nor is ${name} installed. Install the package anew with ` +
            'cargo (https://rustup.rs) and a C++ compiler at hand, and with scripts allowed.', { cause });
    }
}
exports.native = load();
