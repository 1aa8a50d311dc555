"use strict";
/** The addon: built when the package was installed, or that of a platform package. */
Object.defineProperty(exports, "__esModule", { value: true });
exports.native = void 0;
const node_fs_1 = require("node:fs");
const node_path_1 = require("node:path");
const platform_1 = require("./platform");
function load() {
    const built = (0, node_path_1.join)(__dirname, '..', 'build', 'perilune.node');
    if ((0, node_fs_1.existsSync)(built))
        return require(built);
    const tried = [];
    for (const name of (0, platform_1.platformPackages)(process.platform, process.arch)) {
        try {
            return require(name);
        }
        catch (error) {
            tried.push(error);
        }
    }
    throw new Error(`perilune has no addon for ${process.platform}-${process.arch}: neither ${built} was built, nor is there a package that has it. ` +
        'Install perilune anew with cargo (https://rustup.rs) and a C++ compiler at hand, and with scripts allowed.', { cause: new AggregateError(tried) });
}
exports.native = load();
