/** What a project holds. */
export type ProjectKind = 'images' | 'videos';

/** Endings that are known, in lower case, and the MIME type that each stands for. */
const IMAGES: ReadonlyMap<string, string> = new Map([
  ['jpg', 'image/jpeg'],
  ['jpeg', 'image/jpeg'],
  ['jfif', 'image/jpeg'],
  ['mpo', 'image/mpo'],
  ['bmp', 'image/bmp'],
  ['png', 'image/png'],
  ['webp', 'image/webp'],
  ['tiff', 'image/tiff'],
  ['tif', 'image/tiff'],
  ['nrrd', 'image/nrrd'],
]);
const VIDEOS: ReadonlyMap<string, string> = new Map([
  ['avi', 'video/x-msvideo'],
  ['mp4', 'video/mp4'],
  ['3gp', 'video/3gpp'],
  ['flv', 'video/x-flv'],
  ['webm', 'video/webm'],
  ['wmv', 'video/x-ms-wmv'],
  ['mov', 'video/quicktime'],
  ['mkv', 'video/x-matroska'],
]);

const KINDS: Readonly<Record<ProjectKind, ReadonlyMap<string, string>>> = { images: IMAGES, videos: VIDEOS };

/** The endings of a kind, as people write them. */
export function endingsOf(kind: ProjectKind): readonly string[] {
  return [...KINDS[kind].keys()];
}

/** The ending of a name in lower case, without its dot; empty where there is none. `.jpg` alone is a name, and no ending. */
export function endingOf(name: string): string {
  const dot = name.lastIndexOf('.');
  return dot <= 0 ? '' : name.slice(dot + 1).toLowerCase();
}

/** The MIME type of a name in a project of the kind; undefined where its ending is none of the kind's. */
export function mimeOf(kind: ProjectKind, name: string): string | undefined {
  return KINDS[kind].get(endingOf(name));
}

/** The kind that a name's ending belongs to. */
export function kindOf(name: string): ProjectKind | undefined {
  const ending = endingOf(name);
  if (IMAGES.has(ending)) return 'images';
  return VIDEOS.has(ending) ? 'videos' : undefined;
}
