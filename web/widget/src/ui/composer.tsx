// Where the customer writes: Enter sends, Shift+Enter breaks the line, files come by button, paste or drop.
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { usePanel } from "./context";
import { Emoji } from "./emoji";
import { Icon } from "./icon";

const LEFT_SHOWN = 200; // characters

interface Props {
  limit: number;
  addFiles: (files: Iterable<File>) => void;
  area: { current: HTMLTextAreaElement | null };
}

export function Composer({ limit, addFiles, area }: Props) {
  const { engine, s } = usePanel();
  const [text, setText] = useState(() => engine.store.get("draft") ?? "");
  const [emoji, setEmoji] = useState(false);
  const picker = useRef<HTMLInputElement>(null);
  const left = limit - [...text].length;
  useLayoutEffect(() => {
    const el = area.current;
    if (!el) return;
    el.style.height = "auto";
    el.style.height = `${el.scrollHeight}px`;
    el.style.overflowY = el.scrollHeight > 129 ? "auto" : "hidden";
  }, [text, area]);
  useEffect(() => () => engine.type(false), [engine]);
  const write = (value: string) => {
    setText(value);
    if (value) engine.store.set("draft", value);
    else engine.store.remove("draft");
    engine.type(value !== "");
  };
  const send = () => {
    const t = text.trim();
    area.current?.focus();
    if (t === "" || left < 0) return;
    engine.send(t);
    write("");
  };
  const insert = (e: string) => {
    const el = area.current;
    setEmoji(false);
    if (!el) return;
    const at = el.selectionStart;
    write(text.slice(0, at) + e + text.slice(el.selectionEnd));
    el.focus();
    requestAnimationFrame(() => el.setSelectionRange(at + e.length, at + e.length));
  };
  const closeEmoji = () => {
    setEmoji(false);
    area.current?.focus();
  };
  return (
    <>
      {emoji && <Emoji pick={insert} close={closeEmoji} />}
      <div class="wc">
        <button type="button" class="ib" aria-label={s.attach} title={s.attach} onClick={() => picker.current?.click()}>
          <Icon name="paperclip" size={20} />
        </button>
        <input
          ref={picker}
          type="file"
          multiple
          hidden
          onChange={(e) => {
            addFiles([...(e.currentTarget.files ?? [])]);
            e.currentTarget.value = "";
          }}
        />
        <div class="box">
          <textarea
            ref={area}
            rows={1}
            dir="auto"
            aria-label={s.write}
            placeholder={s.write}
            value={text}
            enterkeyhint="send"
            onInput={(e) => write(e.currentTarget.value)}
            onBlur={() => engine.type(false)}
            onPaste={(e) => {
              const files = [...(e.clipboardData?.files ?? [])];
              if (files.length === 0) return;
              e.preventDefault();
              addFiles(files);
            }}
            onKeyDown={(e) => {
              if (e.key !== "Enter" || e.shiftKey || e.isComposing || e.keyCode === 229) return;
              e.preventDefault();
              send();
            }}
          />
          <button
            type="button"
            class="ib"
            aria-label={s.emoji}
            title={s.emoji}
            aria-expanded={emoji}
            onClick={() => setEmoji(!emoji)}
          >
            <Icon name="smile" size={20} />
          </button>
        </div>
        <button type="button" class="ib snd" aria-label={s.send} title={s.send} onClick={send}>
          <Icon name="arrowUp" size={20} />
        </button>
      </div>
      {left < LEFT_SHOWN && (
        <div class={left < 0 ? "cnt bad" : "cnt"} role="status">
          {left < 0 ? s.tooLong(-left) : s.left(left)}
        </div>
      )}
    </>
  );
}
