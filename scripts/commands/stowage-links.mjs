#!/usr/bin/env node
import { runApp } from './run-app.mjs';

await runApp('links-importer', 'stowage-links');
