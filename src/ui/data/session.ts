/** Who is looking, for all views. */
import { createContext } from "preact"
import { useContext } from "preact/hooks"
import type { Session } from "../../http/ui/answers.ts"

const unknown: Session = {
  user: "",
  canLogIn: false,
  title: "",
  perRepository: false,
  whole: false,
  rights: { push: false, delete: false, collect: false, repair: false }
}

export const SessionContext = createContext<Session>(unknown)

export const useSession = (): Session => useContext(SessionContext)
