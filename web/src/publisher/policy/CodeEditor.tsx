// The text of a policy document, with colours, completion, and the server's errors underlined where they are.
import { autocompletion, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { xml } from "@codemirror/lang-xml";
import { indentUnit, syntaxHighlighting } from "@codemirror/language";
import { type Diagnostic, lintGutter, lintKeymap, setDiagnostics } from "@codemirror/lint";
import { Compartment, EditorState, type Text } from "@codemirror/state";
import { drawSelection, EditorView, highlightActiveLine, keymap, lineNumbers } from "@codemirror/view";
import { classHighlighter } from "@lezer/highlight";
import { type Ref, useEffect, useImperativeHandle, useRef } from "react";

import { policyCompletion } from "./complete";
import type { Problem } from "./problems";
import { addToSection } from "./scan";
import type { PolicyDescription } from "./schema";

export interface CodeEditorHandle {
  goTo: (problem: Problem) => void;
  /** False without a document to add to. */
  add: (section: string, xml: string) => boolean;
}

interface Props {
  ref?: Ref<CodeEditorHandle>;
  label: string;
  first: string;
  policies: PolicyDescription[];
  problems: Problem[];
  onChange: (text: string) => void;
}

/** Columns of the server count characters, those of the editor UTF-16 units. */
function offsetOf(doc: Text, { line, column }: Problem): number {
  const at = doc.line(Math.min(Math.max(line, 1), doc.lines));
  return at.from + [...at.text].slice(0, column - 1).join("").length;
}

function diagnosticOf(doc: Text, problem: Problem): Diagnostic {
  const from = offsetOf(doc, problem);
  const name = /^<?[\w.:-]*/.exec(doc.sliceString(from, doc.lineAt(from).to))?.[0] ?? "";
  return { from, to: from + Math.max(name.length, from < doc.length ? 1 : 0), severity: "error", message: problem.message };
}

const completion = new Compartment();

export default function CodeEditor({ ref, label, first, policies, problems, onChange }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView>(null);
  const told = useRef(onChange);
  useEffect(() => {
    told.current = onChange;
  });
  useEffect(() => {
    const made = new EditorView({
      parent: box.current!,
      state: EditorState.create({
        doc: first,
        extensions: [
          lineNumbers(),
          lintGutter(),
          history(),
          drawSelection(),
          highlightActiveLine(),
          indentUnit.of("    "),
          EditorView.lineWrapping,
          xml(),
          syntaxHighlighting(classHighlighter),
          completion.of([]),
          keymap.of([...completionKeymap, ...lintKeymap, ...historyKeymap, ...defaultKeymap]),
          EditorView.contentAttributes.of({ "aria-label": label, spellcheck: "false" }),
          EditorView.updateListener.of((update) => {
            if (update.docChanged) told.current(update.state.doc.toString());
          }),
        ],
      }),
    });
    view.current = made;
    return () => made.destroy();
  }, [first, label]);
  useEffect(() => {
    const source = autocompletion({ override: [policyCompletion(policies)] });
    view.current?.dispatch({ effects: completion.reconfigure(source) });
  }, [policies, first, label]);
  useEffect(() => {
    const { current } = view;
    current?.dispatch(setDiagnostics(current.state, problems.map((one) => diagnosticOf(current.state.doc, one))));
  }, [problems]);
  useImperativeHandle(ref, () => ({
    goTo: (problem) => {
      const { current } = view;
      if (!current) return;
      current.dispatch({ selection: { anchor: offsetOf(current.state.doc, problem) }, scrollIntoView: true });
      current.focus();
    },
    add: (section, text) => {
      const { current } = view;
      const edit = current && addToSection(current.state.doc.toString(), section, text);
      if (!edit) return false;
      current.dispatch({ changes: edit, selection: { anchor: edit.from + edit.insert.length }, scrollIntoView: true });
      return true;
    },
  }));
  return <div ref={box} className="policy-text" />;
}
