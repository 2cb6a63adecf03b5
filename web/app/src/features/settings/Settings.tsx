import type { Me } from "../../model/types";

export function Settings({ me }: { me: Me }) {
  return <main>{me.name}</main>;
}
