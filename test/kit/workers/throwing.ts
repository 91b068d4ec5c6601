throw new Error('broken entry')
