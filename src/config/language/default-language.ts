import { FEATURES } from '../../features/index.ts'
import { type Language, language } from './language.ts'

/** The language of a Sluice with all of its features. */
export const DEFAULT_LANGUAGE: Language = language(FEATURES)
