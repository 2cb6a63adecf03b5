export function Logo({ size = 22 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 22 22" aria-hidden="true">
      <path d="M3 4.5h11a3 3 0 0 1 3 3v4a3 3 0 0 1-3 3H8l-3.4 2.8V14.4A3 3 0 0 1 3 11.7z" fill="currentColor" />
      <path
        d="M19.2 9.2v5.3a2.6 2.6 0 0 1-1.4 2.3v2.2l-2.6-2h-3.4"
        fill="none"
        stroke="currentColor"
        strokeWidth="1.8"
        strokeLinecap="round"
        strokeLinejoin="round"
      />
    </svg>
  );
}
