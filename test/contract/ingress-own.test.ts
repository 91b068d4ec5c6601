import { gate } from '../kit/ingress.ts'
import { describeIngress } from './ingress.ts'

describeIngress('of our own', (respond, options) => gate(respond, { ...options, http1: 'own' }))
