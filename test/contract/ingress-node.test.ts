import { gate } from '../kit/ingress.ts'
import { describeIngress } from './ingress.ts'

describeIngress('over node:http', (respond, options) => gate(respond, { ...options, http1: 'node' }))
