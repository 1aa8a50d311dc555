"use strict";
/** The addon: built when the package was installed, or that of a platform package. */
Object.defineProperty(exports, "__esModule", { value: true });
exports.native = void 0;
const node_path_1 = require("node:path");
const platform_1 = require("./platform");
function load() {
    const tried = [];
    const addon = (0, platform_1.addonOf)((0, node_path_1.join)(__dirname, '..'), tried);
    if (addon !== undefined)
        return require(addon);
    throw new Error(`perilune has no addon for ${process.platform}-${process.arch}: it was not built, nor is there a package that has it. ` +
        'Install perilune anew with cargo (https://rustup.rs) and a C++ compiler at hand, and with scripts allowed.', { cause: new AggregateError(tried) });
}
exports.native = load();
