// The states of experiments and modules in words.
import type { RunState } from "../api/studio";
import type { Translate } from "../texts/texts";

export function stateText(state: RunState | undefined, t: Translate): string {
  switch (state) {
    case "Running":
      return t("state.running");
    case "Finished":
      return t("state.finished");
    case "Failed":
      return t("state.failed");
    case "InDraft":
      return t("state.draft");
    default:
      return t("state.notStarted");
  }
}
