import { Menu, Popover } from "@mantine/core";
import { lazy, Suspense, useRef } from "react";
import { usePhone } from "../../lib/hooks";
import { useWords } from "../../lib/i18n";
import { overlay } from "../../lib/prefs";
import { useStore } from "../../lib/store";
import type { Capabilities } from "../../model/types";
import { Icon } from "../../ui/Icon";
import { Button, cx, IconButton, Keys } from "../../ui/parts";
import s from "./composer.module.css";
import type { Sending } from "./useSend";

const Emoji = lazy(async () => ({ default: (await import("./Emoji")).Emoji }));

interface Props {
  note: boolean;
  send: Sending;
  saved: boolean;
  local: boolean;
  attach: (files: File[]) => void;
  can: Capabilities | undefined;
  insert: (text: string) => void;
}

/** What can be added, whether the draft is safe, and the one next step. */
export function Foot({ note, send, saved, local, attach, can, insert }: Props) {
  const t = useWords();
  const picker = useRef<HTMLInputElement>(null);
  const over = useStore(overlay);
  const phone = usePhone();
  const takesFiles = note || !can || Object.keys(can.media ?? {}).length > 0;
  const accept =
    can?.media && !can.media.file
      ? [...new Set(Object.values(can.media).flatMap((m) => m.mime ?? ["image/*"]))].join(",")
      : undefined;
  return (
    <footer className={s.foot}>
      {takesFiles ? (
        <>
          <IconButton icon="paperclip" size={16} label={t("write.attach")} onClick={() => picker.current?.click()} />
          <input
            ref={picker}
            type="file"
            multiple
            hidden
            accept={accept}
            aria-label={t("write.attach")}
            onChange={(e) => {
              attach([...(e.currentTarget.files ?? [])]);
              e.currentTarget.value = "";
            }}
          />
        </>
      ) : null}
      <Popover
        opened={over === "emoji"}
        onChange={(o) => overlay.set(o ? "emoji" : "none")}
        position="top-start"
        offset={6}
        trapFocus
        transitionProps={{ duration: 140 }}
      >
        <Popover.Target>
          <IconButton
            icon="mood-smile"
            size={16}
            label={t("write.emoji")}
            onClick={() => overlay.set(over === "emoji" ? "none" : "emoji")}
          />
        </Popover.Target>
        <Popover.Dropdown>
          <Suspense fallback={<div className={s.emojiWait} />}>
            <Emoji
              pick={(e) => {
                insert(e);
                overlay.set("none");
              }}
            />
          </Suspense>
        </Popover.Dropdown>
      </Popover>
      <span className={s.saved} role="status">
        {phone ? null : saved ? t("draft.saved") : local ? t("draft.here") : null}
      </span>
      <span className="grow" />
      {note ? (
        <Button
          look="primary"
          className={s.send ?? ""}
          disabled={!!send.blocked}
          onClick={() => send.go(false)}
          title={send.blocked ? t(send.blocked) : undefined}
        >
          {t("write.addNote")}
          <Keys combo="mod+enter" joined />
        </Button>
      ) : (
        <>
          {phone ? null : (
            <Button look="plain" className={s.sr ?? ""} disabled={!!send.blocked} onClick={() => send.go(true)}>
              {t("action.sendResolve")}
              <Keys combo="mod+shift+enter" joined />
            </Button>
          )}
          <span className={s.split}>
            <Button
              look="primary"
              className={s.send ?? ""}
              disabled={!!send.blocked}
              onClick={() => send.go(false)}
              title={send.blocked ? t(send.blocked) : undefined}
            >
              {t("action.send")}
              {phone ? null : <Keys combo="mod+enter" joined />}
            </Button>
            <Menu position="top-end" width={230} offset={6} transitionProps={{ duration: 140 }}>
              <Menu.Target>
                <Button look="primary" className={cx(s.moreSend)} disabled={!!send.blocked} aria-label={t("write.moreWays")}>
                  <Icon name="chevron-down" size={14} />
                </Button>
              </Menu.Target>
              <Menu.Dropdown>
                <Menu.Item leftSection={<Icon name="send" />} onClick={() => send.go(false)}>
                  {t("action.send")}
                </Menu.Item>
                <Menu.Item leftSection={<Icon name="circle-check" />} onClick={() => send.go(true)}>
                  {t("action.sendResolve")}
                </Menu.Item>
              </Menu.Dropdown>
            </Menu>
          </span>
        </>
      )}
    </footer>
  );
}
