/** What fake-gcs-server 1.56.1 does not do, read in its sources; the strict server has all of these cases. */
const NO_COMPOSE_CONDITION = 'fake-gcs-server judges no condition of a compose';
const NO_COPY_CONDITION = 'fake-gcs-server judges no condition of a rewrite';
const NO_DELETE_CONDITION = 'fake-gcs-server judges no condition of a deletion';
const PREFIX_PAGES = 'fake-gcs-server does not count common prefixes, and gives them again with every page';
const KEEPS_OLD = 'fake-gcs-server keeps headers of the object before: its compose, rewrite and patch cannot leave one out';
const NO_SIGNATURES = 'fake-gcs-server checks no signature, by its README';

export const FAKE_GCS_LIMITS: Readonly<Record<string, string>> = {
  'the completion of an upload with if: absent creates once, and is AlreadyExists the second time': NO_COMPOSE_CONDITION,
  'the completion of an upload replaces the named revision, in a chain': NO_COMPOSE_CONDITION,
  'the completion of an upload with a stale revision is PreconditionFailed and changes nothing': NO_COMPOSE_CONDITION,
  'the completion of an upload with a revision of an object that is gone is PreconditionFailed and makes none': NO_COMPOSE_CONDITION,
  'of eight racers that create by the completion of an upload, exactly one wins': NO_COMPOSE_CONDITION,
  'five workers that count to ten by the completion of an upload end at 50': NO_COMPOSE_CONDITION,
  'a prefix selects by characters, not by path segments': PREFIX_PAGES,
  'a prefix is taken as it stands, whatever it holds': PREFIX_PAGES,
  'groups keys behind a delimiter at every page size from 1 to 10': PREFIX_PAGES,
  'gives each common prefix once, also where a page ends within it': PREFIX_PAGES,
  'the last page has its common prefixes': PREFIX_PAGES,
  'a, a/ and a/b lie beside each other': PREFIX_PAGES,
  'lists in UTF-8 byte order, not in that of UTF-16': PREFIX_PAGES,
  'startAfter and until bound a delimited listing, common prefixes included': PREFIX_PAGES,
  'lists what the contract says for a hundred drawn questions': PREFIX_PAGES,
  'any string may be the delimiter': PREFIX_PAGES,
  'goes on from a cursor that was written down, in another instance': PREFIX_PAGES,
  'an upload leaves the object that is there until its completion, and then replaces it whole': KEEPS_OLD,
  'headers given to a copy replace all of the source': KEEPS_OLD,
  'a copy onto itself loses nothing, and takes new headers': KEEPS_OLD,
  'setHeaders replaces all headers and keeps the content': KEEPS_OLD,
  'if: absent copies once, and is AlreadyExists onto an object': NO_COPY_CONDITION,
  'if with a revision copies onto that, and onto no other': NO_COPY_CONDITION,
  'a move that is refused at the destination keeps the source': NO_COPY_CONDITION,
  'an item that the store refuses stops no other': NO_DELETE_CONDITION,
  'a deletion conditional on a revision takes that and no other': NO_DELETE_CONDITION,
  'a presigned PUT with another content type than the signed one is refused': NO_SIGNATURES,
  'a presigned request is good for its method alone': NO_SIGNATURES,
  'a presigned request that was tampered with is refused': NO_SIGNATURES,
  'a presigned request is refused after its end': NO_SIGNATURES,
};
