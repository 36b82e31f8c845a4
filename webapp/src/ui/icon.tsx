// Line icons, drawn here so that no font or image is fetched.
const PATHS: Record<string, string> = {
  map: "M3 6l6-2 6 2 6-2v14l-6 2-6-2-6 2zM9 4v14M15 6v14",
  route: "M6 19a2 2 0 1 0 0-.01M18 5a2 2 0 1 0 0-.01M8 19h6a4 4 0 0 0 0-8h-4a3.5 3.5 0 0 1 0-6h6",
  whatif: "M4 7h9M17 7h3M15 5v4M4 12h3M11 12h9M9 10v4M4 17h11M19 17h1M17 15v4",
  promises: "M5 21V4M5 5h12l-2.5 4L17 13H5",
  evidence: "M7 3h8l4 4v14H7zM15 3v4h4M10 12h6M10 16h6",
  data: "M4 5h16v14H4zM4 10h16M4 14.5h16M10 5v14",
  brief: "M6 3h12v18l-6-3-6 3zM9 8h6M9 12h6",
  search: "M11 4a7 7 0 1 1 0 14 7 7 0 0 1 0-14zM16.5 16.5L21 21",
  pin: "M12 21s-6.5-6-6.5-11a6.5 6.5 0 0 1 13 0c0 5-6.5 11-6.5 11zM12 7.8a2.2 2.2 0 1 1 0 4.4 2.2 2.2 0 0 1 0-4.4z",
  swap: "M8 4v15M8 19l-3.5-3.5M8 19l3.5-3.5M16 20V5M16 5l-3.5 3.5M16 5l3.5 3.5",
};

export function Icon({ name }: { name: string }) {
  if (name === "brand")
    return (
      <svg class="icon brand-icon" viewBox="0 0 32 32" aria-hidden="true">
        <path d="M5 23 11 12l5 7 5-10 6 14" fill="none" stroke="#f2b544" stroke-width="2.6" stroke-linejoin="round" stroke-linecap="round" />
        <circle cx="11" cy="12" r="2.6" fill="#fff" />
        <circle cx="21" cy="9" r="2.6" fill="#fff" />
      </svg>
    );
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
      <path d={PATHS[name] ?? ""} />
    </svg>
  );
}
