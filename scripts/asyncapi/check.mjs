// Validates the AsyncAPI document whose path is the first argument with AsyncAPI's own parser.

import { Parser } from "@asyncapi/parser";
import { readFileSync } from "node:fs";

const { document, diagnostics } = await new Parser().parse(readFileSync(process.argv[2], "utf8"));
const names = ["error", "warning", "information", "hint"];
// What its linter recommends and what a document in a repository has no use for.
const NOT_NEEDED = ["asyncapi-id", "asyncapi-info-contact", "asyncapi-defaultContentType", "asyncapi-tags", "asyncapi-latest-version"];
const found = diagnostics.filter(({ code }) => !NOT_NEEDED.includes(code));
for (const { severity, code, message, path } of found.slice(0, 20)) {
  console.log(`${names[severity]}  ${code}  ${path.join("/")}: ${message}`);
}
const failed = found.filter(({ severity }) => severity <= 1).length;
if (document) console.log(`${document.channels().length} channels, ${document.operations().length} operations, ${document.allMessages().length} messages`);
console.log(`${document && !failed ? 1 : 0} passed, ${document ? failed : 1} failed`);
process.exit(document && !failed ? 0 : 1);
