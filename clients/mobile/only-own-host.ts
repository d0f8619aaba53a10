/** uni-app's styles fetch a picture of a shadow from another host; our pages ask nobody but our server. */
import type { Plugin } from 'vite'

export function onlyOwnHost(): Plugin {
  return {
    name: 'xinyi-only-own-host',
    apply: 'build',
    enforce: 'post',
    generateBundle(_, bundle) {
      for (const file of Object.values(bundle))
        if (file.type === 'asset' && file.fileName.endsWith('.css'))
          file.source = String(file.source).replace(/url\(['"]?https?:[^)]*\)/g, 'none')
    },
  }
}
