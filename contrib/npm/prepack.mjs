// Lays beside package.json what the package is made of: the modules as the daemon serves
// them, their types, which are written from their comments, and the licence. `make check` has
// installed the compiler.
import { execFileSync } from "node:child_process";
import { copyFileSync } from "node:fs";

const page = "../../chatd/web/page";
const modules = ["chatd.mjs", "chatd.threads.mjs"];
for (const name of [...modules, "chatd.types.d.ts"]) copyFileSync(`${page}/${name}`, name);
copyFileSync("../../LICENSE", "LICENSE");
const options = ["--allowJs", "--declaration", "--emitDeclarationOnly", "--target", "es2024", "--module", "nodenext"];
execFileSync("../web/node_modules/.bin/tsc", [...modules, "--outDir", ".", "--ignoreConfig", ...options], {
  stdio: "inherit",
});
