import { memoryDriver, openBucket, prefixLayer } from '@stowage/core';
import { describe, expect, it } from 'vitest';
import { overlap, refuseOverlap } from '../src/overlap.ts';

describe('overlap', () => {
  const at = (path: string): { store: string; path: string[] } => ({ store: 'file', path: path.split('/').filter(Boolean) });
  it.each([
    ['/a', '/a', 'same'],
    ['/a/b', '/a', 'source-inside-destination'],
    ['/a', '/a/b/c', 'destination-inside-source'],
    ['/', '/a', 'destination-inside-source'],
    ['/a', '/ab', undefined],
    ['/a/b', '/a/c', undefined],
  ])('of %s and %s', (source, destination, expected) => {
    expect(overlap(at(source), at(destination))).toBe(expected);
  });
  it('is none between stores', () => {
    expect(overlap(at('/a'), { store: 's3.example.com', path: ['a'] })).toBeUndefined();
  });
});

describe('refuseOverlap', () => {
  const whole = openBucket(memoryDriver());
  const view = (prefix: string): typeof whole => whole.with(prefixLayer(prefix));
  it.each([
    ['the same view', view('a/'), view('a/'), /one place/],
    ['the whole and a view', whole, view('a/'), /destination lies inside the source/],
    ['a view and the whole', view('a/'), whole, /source lies inside the destination/],
  ])('refuses %s', (_, source, destination, message) => {
    expect(() => refuseOverlap(source, destination)).toThrow(message);
  });
  it.each([
    ['two views', view('a/'), view('b/')],
    ['views whose names begin alike', view('a/'), view('ab/')],
    ['two drivers', whole, openBucket(memoryDriver())],
  ])('lets %s pass', (_, source, destination) => {
    expect(() => refuseOverlap(source, destination)).not.toThrow();
  });
});
