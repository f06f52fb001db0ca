/** The questions, and the file that puts them to models. */
import type { Question } from "./Question.ts"
import { files } from "./questions/files.ts"
import { history } from "./questions/history.ts"
import { images } from "./questions/images.ts"
import { inside } from "./questions/inside.ts"
import { upkeep } from "./questions/upkeep.ts"

export const questions: ReadonlyArray<Question> = [...images, ...history, ...upkeep, ...inside, ...files]

const escaped = (text: string): string => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")

/** In the format of the evaluation script of Anthropic's skill `mcp-builder`. */
export const asXml = (): string =>
  [
    "<evaluation>",
    ...questions.flatMap(({ answer, question }) => [
      "  <qa_pair>",
      `    <question>${escaped(question)}</question>`,
      `    <answer>${escaped(answer)}</answer>`,
      "  </qa_pair>"
    ]),
    "</evaluation>",
    ""
  ].join("\n")
