// Autosave: what was changed is written half a second after the last change, one write at a time, each upon the version
// that the one before it made.
import { useCallback, useEffect, useRef, useState } from "react";

import type { Experiment, ExperimentEdit } from "../api/studio";
import { saveExperiment } from "../api/studio";

export type SaveState = "saved" | "waiting" | "saving" | "failed";
const waitMs = 500;

export function useAutosave(workspace: string, experiment: Experiment, onSaved: (saved: Experiment) => void) {
  const [state, setState] = useState<SaveState>("saved");
  const [error, setError] = useState<unknown>(null);
  const etag = useRef(experiment.Etag);
  const pending = useRef<ExperimentEdit | null>(null);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const writing = useRef<Promise<void> | null>(null);

  const write = useCallback(async () => {
    clearTimeout(timer.current);
    while (writing.current) await writing.current;
    const edit = pending.current;
    if (!edit) return;
    pending.current = null;
    setState("saving");
    const work = saveExperiment(workspace, experiment.ExperimentId, edit, etag.current)
      .then((saved) => {
        etag.current = saved.Etag;
        setError(null);
        setState(pending.current ? "waiting" : "saved");
        onSaved(saved);
      })
      .catch((failure: unknown) => {
        // Kept, so that the next change or run writes it with the rest.
        pending.current = { ...edit, ...pending.current };
        setError(failure);
        setState("failed");
        throw failure;
      })
      .finally(() => {
        writing.current = null;
      });
    writing.current = work.catch(() => undefined);
    await work;
  }, [workspace, experiment.ExperimentId, onSaved]);

  const save = useCallback(
    (edit: ExperimentEdit) => {
      pending.current = { ...pending.current, ...edit };
      setState("waiting");
      clearTimeout(timer.current);
      timer.current = setTimeout(() => void write().catch(() => undefined), waitMs);
    },
    [write],
  );

  // Whoever leaves the page before the wait is over loses nothing.
  useEffect(() => () => void write().catch(() => undefined), [write]);
  useEffect(() => {
    const warn = (event: BeforeUnloadEvent) => {
      if (pending.current) event.preventDefault();
    };
    window.addEventListener("beforeunload", warn);
    return () => window.removeEventListener("beforeunload", warn);
  }, []);

  const noteVersion = useCallback((version: string) => {
    etag.current = version;
  }, []);
  return { state, error, save, flush: write, noteVersion };
}
