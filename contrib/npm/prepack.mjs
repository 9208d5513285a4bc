// Lays beside package.json what the package is made of: the module as the daemon serves
// it, its types, which are written from its comments, and the licence. `make check` has
// installed the compiler.
import { execFileSync } from "node:child_process";
import { copyFileSync } from "node:fs";

const page = "../../chatd/web/page";
for (const name of ["chatd.mjs", "chatd.types.d.ts"]) copyFileSync(`${page}/${name}`, name);
copyFileSync("../../LICENSE", "LICENSE");
const options = ["--allowJs", "--declaration", "--emitDeclarationOnly", "--target", "es2024", "--module", "nodenext"];
execFileSync("../web/node_modules/.bin/tsc", ["chatd.mjs", "--outDir", ".", "--ignoreConfig", ...options], {
  stdio: "inherit",
});
