import { Menu } from "@mantine/core";
import { lazy, Suspense, useState } from "react";
import { cache, exportUrl, meQuery } from "../../lib/hub";
import { useWords } from "../../lib/i18n";
import type { Me, Permission, Person } from "../../model/types";
import { Icon } from "../../ui/Icon";
import { IconButton } from "../../ui/parts";

const AddIdentity = lazy(async () => ({ default: (await import("./PersonDialogs")).AddIdentity }));
const Erase = lazy(async () => ({ default: (await import("./PersonDialogs")).Erase }));

type Shown = "none" | "identity" | "erase";

/** What can be done with what we know of somebody: add a way to reach them, hand it out, erase it. */
export function PersonMenu({ p }: { p: Person }) {
  const t = useWords();
  const [shown, setShown] = useState<Shown>("none");
  const me = cache.getQueryData<Me>(meQuery.queryKey);
  const may = (x: Permission) => !!me?.permissions.includes(x);
  const exports = may("person.export");
  if (!may("person.write") && !exports && !may("person.erase")) return null;
  return (
    <>
      <Menu position="bottom-end" width={230} offset={4} transitionProps={{ duration: 140 }}>
        <Menu.Target>
          <IconButton icon="dots" label={t("person.more")} />
        </Menu.Target>
        <Menu.Dropdown>
          {may("person.write") ? (
            <Menu.Item leftSection={<Icon name="plus" />} onClick={() => setShown("identity")}>
              {t("person.addIdentity")}
            </Menu.Item>
          ) : null}
          {exports ? (
            <Menu.Item component="a" href={exportUrl(p.id)} download leftSection={<Icon name="download" />}>
              {t("person.export")}
            </Menu.Item>
          ) : null}
          {may("person.erase") ? (
            <Menu.Item color="red" leftSection={<Icon name="trash" />} onClick={() => setShown("erase")}>
              {t("person.erase")}
            </Menu.Item>
          ) : null}
        </Menu.Dropdown>
      </Menu>
      <Suspense>
        {shown === "identity" ? <AddIdentity p={p} close={() => setShown("none")} /> : null}
        {shown === "erase" ? <Erase p={p} close={() => setShown("none")} /> : null}
      </Suspense>
    </>
  );
}
