import { type IconName, icons } from "./icons";

/** An outline icon. Without a label it is decoration. */
export function Icon({
  name,
  size = 16,
  label,
  stroke = 1.75,
}: {
  name: IconName;
  size?: number;
  label?: string;
  stroke?: number;
}) {
  const Drawn = icons[name];
  return label ? (
    <Drawn size={size} stroke={stroke} role="img" aria-label={label} />
  ) : (
    <Drawn size={size} stroke={stroke} aria-hidden />
  );
}

/** The diamond of the assistant: ours, there is no icon for it elsewhere. */
export function AssistantMark({ size = 14, label }: { size?: number; label?: string }) {
  return (
    <svg
      className="i"
      width={size}
      height={size}
      viewBox="0 0 24 24"
      {...(label ? { role: "img", "aria-label": label } : { "aria-hidden": true })}
    >
      <path d="M12 3.5l8.5 8.5l-8.5 8.5l-8.5 -8.5z" />
      <path d="M9.5 12h5" />
    </svg>
  );
}
