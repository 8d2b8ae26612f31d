import { type GraspPolicyOptions, graspPolicy } from '../admission/grasp-policy.js'
import { openPolicy } from '../admission/open-policy.js'
import type { AdmissionPolicy } from '../admission/types.js'
import type { ServeConfig } from './config.js'

/** The policy that a configuration asks for: that of a GRASP server if it has domains, else one that takes everything. */
export function admissionOf(
  config: Pick<ServeConfig, keyof GraspPolicyOptions & keyof ServeConfig>,
): AdmissionPolicy {
  const { domains, archiveAll } = config
  if (domains.length === 0) return openPolicy()
  const { archiveAllowList, archiveServices, repositoryAllowList, repositoryBlockList, authorBlockList } =
    config
  return graspPolicy({
    ...{ domains, archiveAll },
    ...(archiveAllowList && { archiveAllowList }),
    ...(archiveServices && { archiveServices }),
    ...(repositoryAllowList && { repositoryAllowList }),
    ...(repositoryBlockList && { repositoryBlockList }),
    ...(authorBlockList && { authorBlockList }),
  })
}
